"""A message of the dialect before its pictures are taken in."""

from msgspec import Struct

from app.domain.messages import Message
from app.v5.services.vision_service import Brought


class Spoken(Struct, frozen=True):
    """The words, and the pictures that come with them."""

    message: Message
    pictures: tuple[Brought, ...] = ()
