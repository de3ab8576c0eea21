"""What AWS asks in us-east-1 (N. Virginia), in US$ and without a free tier.

As AWS's pages, and where those show no figure without a browser, price guides of 2026, had it in November 2026. Prices
change: a new one is put here, and `make bench` reckons anew.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Price:
    """US$ for `per` of something; `page` is where AWS says so."""

    usd: float
    per: float
    page: str

    def of(self, number: float) -> float:
        """What so many of them cost."""
        return self.usd * number / self.per

    def __str__(self) -> str:
        usd = f"{self.usd:.2f}" if round(self.usd, 2) == self.usd else f"{self.usd:g}"
        if self.per == 1:
            return usd
        names = {1e6: "million", 1e4: "10,000", 1e5: "100,000", 1e9: "GB"}
        return f"{usd} per {names[self.per]}"


_CLOUDWATCH, _LAMBDA = "Amazon CloudWatch Pricing", "AWS Lambda Pricing"
_SECRETS, _KMS = "AWS Secrets Manager Pricing", "AWS Key Management Service Pricing"
_DYNAMODB, _EVENTS, _SNS = "Amazon DynamoDB Pricing", "Amazon EventBridge Pricing", "Amazon SNS Pricing"

SECRET = Price(0.40, 1, _SECRETS)  # a month
SECRET_CALLS = Price(0.05, 1e4, _SECRETS)
METRIC = Price(0.30, 1, _CLOUDWATCH)  # a month; "prorated by the hour and metered only when you send metrics"
ALARM = Price(0.10, 1, _CLOUDWATCH)  # a month and metric that it reads; a composite one is 0.50
LOG_TAKEN = Price(0.50, 1e9, _CLOUDWATCH)
LOG_KEPT = Price(0.03, 1e9, _CLOUDWATCH)  # a month
GB_SECONDS = Price(16.6667, 1e6, _LAMBDA)  # x86_64; INIT is billed as well since August 2025
RUNS = Price(0.20, 1e6, _LAMBDA)
SCHEDULED = Price(1.00, 1e6, _EVENTS)  # 14 million a month are free
EVENTS = Price(1.00, 1e6, _EVENTS)
READS = Price(0.125, 1e6, _DYNAMODB)  # on demand: of 4 KB, strongly consistent
WRITES = Price(0.625, 1e6, _DYNAMODB)  # of 1 KB
MAILS = Price(2.00, 1e5, _SNS)  # the first thousand a month are free; publishing one is 0.50 per million
KEY_CALLS = Price(0.03, 1e4, _KMS)  # of AWS's own key for DynamoDB; for that of Secrets Manager none are billed
PAGES = sorted({price.page for price in globals().copy().values() if isinstance(price, Price)})
