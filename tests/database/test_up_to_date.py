"""A database whose schema is this version's is opened without the tools that migrate."""

import subprocess
import sys
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from app.database import migrate


def test_the_last_step_is_alembics_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == migrate.head()


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
