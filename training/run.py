"""The whole run from one seed, stage by stage, each in a process of its own and with as many steps
as it takes: what was shipped can be trained again."""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

TOWER = ("training.tower", "--steps", "2000")
LANGUAGE = ("training.language", "--steps", "3000")
# Few places of a picture make short sequences, and teach comparing; then all of them.
FEW = ("training.together", "--steps", "1500", "--size", "120", "--rows", "2", "4", "8")
ALL = ("training.together", "--go-on", "--steps", "800", "--size", "96", "--rows", "4", "16", "64")


def command(stage: tuple[str, ...], folder: Path, seed: int) -> list[str]:
    module, *rest = stage
    return [sys.executable, "-m", module, str(folder), "--seed", str(seed), *rest]


def main(folder: Path, seed: int) -> None:
    """Raises CalledProcessError when a stage fails."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = subprocess.Popen(command(TOWER, folder, seed))
    try:
        subprocess.run(command(LANGUAGE, folder, seed), check=True)
    finally:
        if beside.wait():
            raise subprocess.CalledProcessError(beside.returncode, beside.args)
    for number, stage in enumerate((FEW, ALL), 1):
        subprocess.run(command(stage, folder, seed + number), check=True)
        shutil.copy(folder / "together.csv", folder / f"together-{number}.csv")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=5)
    chosen = parser.parse_args()
    main(chosen.folder, chosen.seed)
