"""Why a conversion cannot be done, in words with the fix; the texts are app/i18n's."""

from app.i18n import translate
from app.weights.errors import Value, WeightsError


class ConvertError(WeightsError):
    """As WeightsError: `text` is a key, `values` fill it, `str()` is the English sentence."""

    def __init__(self, text: str, /, **values: Value) -> None:
        self.text = text
        self.values = values
        Exception.__init__(self, translate(text, "en", **values))
