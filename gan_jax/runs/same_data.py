"""Whether the data are those that a run learnt, wherever they lie now: config.json has their number and digest."""

from gan_jax.data.fingerprint import Fingerprint
from gan_jax.data.places import absolute, has_place

ALLOW = "--allow_changed_data"


def to_json(found: Fingerprint | None) -> dict | None:
    """What config.json says under "dataset"."""
    return None if found is None else found._asdict()


def of_run(content: dict) -> Fingerprint | None:
    """What a run's config.json says of its data; None of versions that did not say it, or where there are none."""
    return Fingerprint(**content["dataset"]) if content.get("dataset") else None


def require_same_place(workdir: object, there: str | None, here: str | None) -> None:
    """Raises ValueError unless `here` can be what the dataset `there` of a run is called now: only folders are moved."""
    if here != there and not (has_place(there) and has_place(here)):
        raise ValueError(f"dataset={here}: {workdir} learnt {there}, and only a folder of images can be moved")


def require_same(workdir: object, learnt: Fingerprint | None, now: Fingerprint | None, allow: bool = False) -> None:
    """Raises ValueError, naming the flag that allows it, if the data are not those that a run learnt."""
    if learnt is None or now is None or allow:
        return
    if differing := learnt.differs(now):
        raise ValueError(f"the data are not those that {workdir} learnt: {differing}; {ALLOW} goes on with them")


def moved(there: str | None, here: str | None, learnt: Fingerprint | None, allow: bool) -> bool:
    """Whether a run's dataset may be called otherwise now, because its content, which is compared, says whether it is it."""
    known = learnt is not None or allow
    return absolute(there) == absolute(here) or (known and has_place(there) and has_place(here))
