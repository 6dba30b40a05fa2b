"""Servers with two owners and with a model that sees, as v4's and v5's tests have them."""

from tests.v4.conftest import owners, owners_server
from tests.v5.conftest import vision, vision_server

__all__ = ["owners", "owners_server", "vision", "vision_server"]
