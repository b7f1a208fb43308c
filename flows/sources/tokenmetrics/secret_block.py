"""A key from a Prefect Secret block: the only module below the flows that imports Prefect."""

from prefect.blocks.system import Secret


def read_secret(name: str) -> str:
    """The text that a Secret block holds. Raises ValueError where there is no such block."""
    block = Secret.load(name)
    assert isinstance(block, Secret)
    return str(block.get())
