"""The demonstration's pictures of public figures, which set-up fetches: good, large faces beside those of the window clips."""

from models import files
from models.errors import ModelError
from models.manifest import read_manifest
from models.picture import decode
from models.results import Picture
from scripts.benchmarks.errors import CannotMeasure

NAMES = ("demo-person-01-a", "demo-person-01-b", "demo-person-01-c", "demo-person-02-a", "demo-person-04-a")  # one face each


def portraits() -> list[Picture]:
    """The pictures in the order of NAMES. Raises CannotMeasure where they were not fetched."""
    items = {item.name: item for item in read_manifest().items("demo")}
    try:
        return [decode(files.load(files.default_folder(), items[name])) for name in NAMES]
    except ModelError as error:
        raise CannotMeasure(str(error)) from error
