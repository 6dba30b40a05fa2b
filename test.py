"""Runs the tests with the interpreter at hand; ./test.sh also sets up and runs every check."""

import pytest

raise SystemExit(pytest.main())
