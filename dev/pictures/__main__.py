"""`make pictures`: run the demo, record its console, and draw all pictures. With `draw`, from the last recording."""

import sys

from dev.pictures import PICTURES, RECORDING, ROOT, demo, fleet, status

DRAW_ALONE = "draw"  # the argument that leaves the demo out: it takes a minute


def main() -> int:
    """Draw every picture; 0 when all could be drawn."""
    if DRAW_ALONE not in sys.argv[1:]:
        code = demo.record(RECORDING)
        if code:
            print("The demo failed, so no picture was drawn.", file=sys.stderr)
            return code
    drawn = {"status.svg": status.draw(), "fleet.svg": fleet.draw()}
    if RECORDING.exists():
        drawn["demo.svg"] = demo.draw(RECORDING.read_text())
    else:
        print(f"There is no {RECORDING.relative_to(ROOT)}, so demo.svg was left as it is.", file=sys.stderr)
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, picture in drawn.items():
        (PICTURES / name).write_text(picture)
        print(f"Drawn: {(PICTURES / name).relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
