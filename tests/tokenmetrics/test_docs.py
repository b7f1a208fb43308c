"""The pages about the source agree with the code."""

import re

from flows.config import ROOT
from flows.sources.tokenmetrics import TokenMetricsSettings
from flows.sources.tokenmetrics.endpoints import ENDPOINTS

PAGE = (ROOT / "docs" / "tokenmetrics.md").read_text()


def test_every_setting_is_documented_with_its_default() -> None:
    documented = dict(re.findall(r"^\| `TOKENMETRICS_([A-Z_]+)` \| `?([^`|]+?)`? \|", PAGE, re.M))
    fields = TokenMetricsSettings.model_fields
    assert documented.keys() == {name.upper() for name in fields}
    for name, field in fields.items():
        default = ",".join(field.default) if isinstance(field.default, tuple) else field.default
        assert documented[name.upper()] == ("none" if default in (None, "") else str(default))


def test_every_endpoint_is_documented_as_verified_or_not() -> None:
    documented = dict(re.findall(r"^\| `([a-z-]+)` \| .* \| ([^|]+) \|$", PAGE, re.M))
    assert documented == {one.name: "v2 verified" if one.is_verified else "*unverified*" for one in ENDPOINTS}


def test_the_example_of_a_dotenv_names_only_settings_there_are() -> None:
    names = re.findall(r"^#?TOKENMETRICS_([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M)
    assert {name.lower() for name in names} <= TokenMetricsSettings.model_fields.keys()
