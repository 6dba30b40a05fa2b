"""How commands end: exit codes, and the errors of the layers below as one plain sentence."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from app.api_keys import KeysError
from app.commands.words import say
from app.config import Settings, load_settings
from app.config_errors import SettingsError
from app.weights import CancelledError, WeightsError

FAILED = 1
# sysexits.h: EX_UNAVAILABLE, EX_NOPERM, EX_CONFIG; and what shells give for SIGINT.
UNREACHABLE = 69
NOT_ALLOWED = 77
BAD_SETTINGS = 78
INTERRUPTED = 130


def fail(message: str, code: int = FAILED) -> NoReturn:
    """End the command with `message` on standard error."""
    typer.echo(message, err=True)
    raise typer.Exit(code)


@contextmanager
def plain_errors() -> Iterator[None]:
    """What can go wrong on purpose, told in a sentence; everything else is a bug."""
    try:
        yield
    except SettingsError as error:
        fail(str(error), BAD_SETTINGS)
    except KeysError as error:
        fail(say(error.text, **error.values))
    except WeightsError as error:
        fail(say(error.text, **error.values))
    except (CancelledError, KeyboardInterrupt):
        fail(say("cli_stopped"), INTERRUPTED)
    except BrokenPipeError:  # whoever read us has enough: Typer ends in silence
        raise
    except OSError as error:
        reason = error.strerror or error
        if isinstance(error.filename, str | bytes):
            fail(say("cli_file", file=os.fsdecode(error.filename), reason=reason))
        fail(say("cli_system", reason=reason))


def settings() -> Settings:
    """The settings; a mistake in them ends the command."""
    with plain_errors():
        return load_settings()
