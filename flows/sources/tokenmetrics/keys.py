"""The API key: found in exactly one place, and sent nowhere but in a header."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from flows.errors import UsageError
from flows.sources.tokenmetrics.settings import TokenMetricsSettings

COMMAND_SECONDS = 30
READ_BY_OTHERS = 0o077
DOTENV = Path(".env")


@dataclass(frozen=True)
class Key:
    """A key and the name of the variable it came from."""

    secret: SecretStr
    origin: str


@dataclass(frozen=True)
class Keys:
    """The key in use, and the one to come where there is one."""

    first: Key
    next: Key | None = None


def find_keys(settings: TokenMetricsSettings, *, dotenv: Path = DOTENV) -> Keys:
    """The keys that the settings name.

    Raises UsageError where there is none, two places disagree, a place cannot be read, or others can read `.env`.
    """
    _refuse_open_dotenv(dotenv)
    found = [
        Key(secret, origin)
        for origin, read in (
            ("TOKENMETRICS_API_KEY", lambda: settings.api_key),
            ("TOKENMETRICS_API_KEY_FILE", lambda: _from_file(settings.api_key_file)),
            ("TOKENMETRICS_API_KEY_COMMAND", lambda: _from_command(settings.api_key_command)),
            ("TOKENMETRICS_API_KEY_BLOCK", lambda: _from_block(settings.api_key_block)),
        )
        if (secret := _clean(origin, read)) is not None
    ]
    if not found:
        raise UsageError(
            "There is no key for Token Metrics. Set one of TOKENMETRICS_API_KEY, TOKENMETRICS_API_KEY_FILE, "
            "TOKENMETRICS_API_KEY_COMMAND or TOKENMETRICS_API_KEY_BLOCK; docs/keys.md says which."
        )
    first = found[0]
    for other in found[1:]:
        if other.secret.get_secret_value() != first.secret.get_secret_value():
            raise UsageError(
                f"{first.origin} and {other.origin} hold different keys, and nothing tells which is meant. Unset one."
            )
    following = _clean("TOKENMETRICS_API_KEY_NEXT", lambda: settings.api_key_next)
    return Keys(first, Key(following, "TOKENMETRICS_API_KEY_NEXT") if following else None)


def _clean(origin: str, read: Callable[[], SecretStr | None]) -> SecretStr | None:
    """The key without the line end that files and commands add; what cannot stand in a header is refused."""
    secret = read()
    if secret is None:
        return None
    text = secret.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise UsageError(f"{origin} holds no key: it is empty, or has spaces or letters that no header carries.")
    return SecretStr(text)


def _from_file(path: Path | None) -> SecretStr | None:
    if path is None:
        return None
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"TOKENMETRICS_API_KEY_FILE names {path}, which cannot be read: {reason}.") from None
    if mode & READ_BY_OTHERS:
        raise UsageError(f"TOKENMETRICS_API_KEY_FILE names {path}, which others can read. Run: chmod 600 {path}")
    return SecretStr(text)


def _from_command(command: str | None) -> SecretStr | None:
    """What the command prints. Its error stream goes to the terminal, so that a password can be asked for."""
    if command is None:
        return None
    try:
        done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, timeout=COMMAND_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise UsageError(f"TOKENMETRICS_API_KEY_COMMAND printed nothing for {COMMAND_SECONDS} seconds.") from None
    if done.returncode:
        raise UsageError(f"TOKENMETRICS_API_KEY_COMMAND ended with {done.returncode}; run it by hand to see why.")
    return SecretStr(done.stdout.decode("utf-8", "replace"))


def _from_block(name: str | None) -> SecretStr | None:
    if name is None:
        return None
    from flows.sources.tokenmetrics.secret_block import read_secret  # noqa: PLC0415 Importing Prefect takes seconds.

    try:
        return SecretStr(read_secret(name))
    except ValueError as error:
        raise UsageError(f"TOKENMETRICS_API_KEY_BLOCK: {error}") from None


def _refuse_open_dotenv(dotenv: Path) -> None:
    """A `.env` with a key in it is its owner's alone."""
    if not dotenv.is_file() or not dotenv.stat().st_mode & READ_BY_OTHERS:
        return
    lines = dotenv.read_text(encoding="utf-8", errors="replace").splitlines()
    names = ("TOKENMETRICS_API_KEY", "TOKENMETRICS_API_KEY_NEXT")
    for line in lines:
        name, _, value = line.removeprefix("export ").partition("=")
        if name.strip().upper() in names and value.strip().strip("'\""):
            raise UsageError(f"{dotenv} holds a key and others can read it. Run: chmod 600 {dotenv}")
