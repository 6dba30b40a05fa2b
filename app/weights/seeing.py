"""From VISION_MODEL_PATH to a place on this machine: the names that the text model has, and the
demo's. Which files make a model that sees is for those to say who know its format."""

from pathlib import Path

from app.weights import catalog, pulled, shapes_demo
from app.weights.ensure import converted_by_name, converted_folder, locate
from app.weights.errors import WeightsError
from app.weights.hub_name import PREFIX, hub_name


def locate_seeing(name: str, data_dir: Path) -> Path:
    """A file or a folder that is there; nothing is fetched. Raises WeightsError."""
    text = name.strip()
    if text == shapes_demo.NAME:
        return shapes_demo.folder()
    if text.startswith(PREFIX) and (wanted := hub_name(text)) is not None:
        return pulled.place(wanted, data_dir)
    path = Path(text).expanduser()
    if path.exists():
        return path
    if catalog.find(text) is not None:
        return _of_catalogue(text, data_dir)
    if (made := converted_by_name(text, data_dir)) is not None:
        return made
    raise WeightsError("weights_vision_not_found", file=path.name or text, demo=shapes_demo.NAME)


def _of_catalogue(name: str, data_dir: Path) -> Path:
    entry = catalog.find(name)
    folder = converted_folder(entry, data_dir) if entry else None
    if folder is not None:
        found = folder if folder.is_dir() else None
    else:
        spec = locate(name, data_dir)
        found = Path(spec.path) if spec else None
    if found is None:
        raise WeightsError("weights_pull_first", name=name)
    return found
