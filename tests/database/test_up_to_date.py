"""A database whose schema is this version's is opened without the tools that migrate."""

import subprocess
import sys
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from app.database import migrate


def test_the_steps_are_alembics() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    config.set_main_option("path_separator", "os")
    steps = ScriptDirectory.from_config(config)
    assert steps.get_current_head() == migrate.head()
    assert sorted(step.revision for step in steps.walk_revisions()) == migrate.known()


OPENED = """
import asyncio, sys
from pathlib import Path
from app.database import open_database
async def main():
    await (await open_database(None, Path(sys.argv[1]))).close()
asyncio.run(main())
print("alembic" in sys.modules)
"""


def test_a_database_that_is_up_to_date_is_opened_without_the_tools_that_migrate(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", OPENED, str(tmp_path)]
    loaded = [subprocess.run(command, capture_output=True, text=True).stdout for _ in range(2)]
    assert loaded == ["True\n", "False\n"]
