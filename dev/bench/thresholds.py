"""What is measured, under which name, and how good it has to be."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Threshold:
    """One number of the benchmark.

    Attributes:
        key: its name in bench.json.
        what: its name for people.
        limit: the most it may be; the least where `at_least` is set.
        unit: follows the number.
        at_least: whether more is better.
    """

    key: str
    what: str
    limit: float
    unit: str = ""
    at_least: bool = False

    def met(self, value: float) -> bool:
        """Whether a measured value is good enough."""
        return value >= self.limit if self.at_least else value <= self.limit

    @property
    def limit_text(self) -> str:
        """The limit as people read it."""
        return f"{'at least' if self.at_least else 'at most'} {self.text(self.limit)}"

    def text(self, value: float) -> str:
        """A value as people read it."""
        number = f"{value:,.0f}" if float(value).is_integer() and self.unit != "x" else f"{value:,.2f}"
        return f"{number} {self.unit}".strip()


THRESHOLDS = (
    Threshold("cold_start_ratio", "Cold start, against a handler with the same clients alone", 1.35, "x"),
    Threshold("cold_check_ratio", "Cold start and first check, against the script", 1.1, "x"),
    Threshold("naive_cold_check_ratio", "The same, against a user's thirty lines", 1.25, "x"),
    Threshold("check_ratio", "Warm check, against the script", 0.6, "x"),
    Threshold("naive_check_ratio", "The same, against a user's thirty lines", 3.5, "x"),
    Threshold("rotation_ratio", "Whole rotation, against the script", 1.35, "x"),
    Threshold("naive_rotation_ratio", "The same, against a user's thirty lines", 5, "x"),
    Threshold("check_aws_calls", "AWS calls of a check", 2),
    Threshold("rotation_aws_calls", "AWS calls of a rotation", 12),
    Threshold("rotation_https_calls", "HTTPS exchanges of a rotation", 2),
    Threshold("peak_memory_mib", "Peak memory", 96, "MiB"),
    Threshold("layer_zip_mib", "Layer, zipped", 7, "MiB"),
    Threshold("monthly_usd", "A month of one credential", 1.8, "US$"),
    Threshold("tenant_monthly_usd", "A month of a tenant more", 0.42, "US$"),
    Threshold("fleet_rotations", "Fleet: rotations", 1000, at_least=True),
    Threshold("fleet_lost", "Fleet: tenants whose certificate was lost", 0),
    Threshold("fleet_over_limit", "Fleet: tenants over the vendor's limit", 0),
)
