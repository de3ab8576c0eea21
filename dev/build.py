"""Builds the function and its layer, says how large they are, and writes down what is in the layer."""

import sys
from pathlib import Path
from shutil import make_archive
from tempfile import TemporaryDirectory

from dev import sbom
from dev.local_aws import ROOT
from dev.stack import BUILT_TEMPLATE, build


def size(directory: Path) -> tuple[float, float]:
    """How large a built directory is, in MiB: unzipped, zipped."""
    unzipped = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
    with TemporaryDirectory() as scratch:
        archive = make_archive(f"{scratch}/archive", "zip", directory)
        return unzipped / 2**20, Path(archive).stat().st_size / 2**20


if __name__ == "__main__":
    build(*sys.argv[1:])
    for name in ("CertificateRotationFunction", "DependenciesLayer"):
        unzipped, zipped = size(BUILT_TEMPLATE.parent / name)
        print(f"Built {name}: {unzipped:.1f} MiB, {zipped:.1f} MiB zipped.")
    print(f"Wrote {sbom.write().relative_to(ROOT)}: the bill of materials (CycloneDX) of what the layer holds.")
    print("Next: make test, or deploy it for real: sam deploy --guided")
