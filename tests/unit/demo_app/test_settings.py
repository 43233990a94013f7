"""Settings: defaults, files, and errors that name variable, value and fix."""

from pathlib import Path

import pytest

from demo_app.settings import Settings, SettingsError, load

TOKEN = "sixteen-letters!"  # noqa: S105  # no secret


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load({}) == Settings(
        metrics_port=9091,
        api_port=8000,
        bind="127.0.0.1",
        rate=5.0,
        seed=1,
        time_scale=1.0,
        data_dir=None,
        memory_limit_mib=160,
        cpu_limit_cores=0.25,
        retention_days=15,
        token=None,
    )


def test_every_variable_is_read(tmp_path: Path) -> None:
    environment = {
        "DEMO_METRICS_PORT": "20001",
        "DEMO_API_PORT": "20002",
        "DEMO_BIND": "0.0.0.0",  # noqa: S104  # the value that Compose gives
        "DEMO_RATE": "2.5",
        "DEMO_SEED": "42",
        "DEMO_TIME_SCALE": "15",
        "DEMO_DATA_DIR": str(tmp_path),
        "DEMO_MEMORY_LIMIT_MIB": "200",
        "DEMO_CPU_LIMIT_CORES": "0.5",
        "DEMO_RETENTION_DAYS": "30",
        "DEMO_TOKEN": TOKEN,
        "PATH": "/usr/bin",
    }

    assert load(environment) == Settings(
        metrics_port=20001,
        api_port=20002,
        bind="0.0.0.0",  # noqa: S104  # as above
        rate=2.5,
        seed=42,
        time_scale=15.0,
        data_dir=tmp_path,
        memory_limit_mib=200,
        cpu_limit_cores=0.5,
        retention_days=30,
        token=TOKEN,
    )


def test_a_value_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "seed"
    file.write_text("77\n", encoding="utf-8")

    assert load({"DEMO_SEED_FILE": str(file)}).seed == 77


def test_the_token_may_come_from_a_file_and_appears_in_no_text(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n", encoding="utf-8")

    settings = load({"DEMO_TOKEN_FILE": str(file)})

    assert settings.token == TOKEN
    assert TOKEN not in repr(settings)


@pytest.mark.parametrize(
    "token", ["fifteen-letters", "sixteen letters!", "sixteen-l\u00e4tters!", "tab\tin-the-token"]
)
def test_a_bad_token_is_an_error_that_does_not_show_it(token: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load({"DEMO_TOKEN": token})

    assert raised.value.lines == (
        f"error: invalid DEMO_TOKEN ({len(token)} characters)\n"
        "fix:   give at least 16 ASCII letters, digits or signs, without spaces"
    )


def test_an_empty_file_is_not_the_absence_of_a_token(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch()

    with pytest.raises(SettingsError, match=r"invalid DEMO_TOKEN \(0 characters\)"):
        load({"DEMO_TOKEN_FILE": str(file)})


def test_an_empty_variable_is_an_unset_one() -> None:
    assert load({"DEMO_RATE": "", "DEMO_SEED_FILE": ""}) == Settings()


def test_localhost_is_the_loopback_address() -> None:
    assert load({"DEMO_BIND": "localhost"}).bind == "127.0.0.1"


@pytest.mark.parametrize(
    ("environment", "message", "fix"),
    [
        ({"DEMO_API_PORT": "http"}, "invalid DEMO_API_PORT: 'http'", "give a whole number from 1 to 65535"),
        ({"DEMO_METRICS_PORT": "70000"}, "invalid DEMO_METRICS_PORT: '70000'", "from 1 to 65535"),
        ({"DEMO_RATE": "0"}, "invalid DEMO_RATE: '0'", "give a number from 0.1 to 200"),
        ({"DEMO_RATE": "nan"}, "invalid DEMO_RATE: 'nan'", "give a number"),
        ({"DEMO_SEED": "-1"}, "invalid DEMO_SEED: '-1'", "give a whole number from 0"),
        ({"DEMO_TIME_SCALE": "fast"}, "invalid DEMO_TIME_SCALE: 'fast'", "from 1 to 100"),
        ({"DEMO_BIND": "everywhere"}, "invalid DEMO_BIND: 'everywhere'", "give an IP address"),
        ({"DEMO_DATA_DIR": "/no/such"}, "invalid DEMO_DATA_DIR: '/no/such'", "give an existing directory"),
        ({"DEMO_MEMORY_LIMIT_MIB": "300"}, "invalid DEMO_MEMORY_LIMIT_MIB: '300'", "from 96 to 224"),
        ({"DEMO_CPU_LIMIT_CORES": "4"}, "invalid DEMO_CPU_LIMIT_CORES: '4'", "from 0.05 to 1"),
        ({"DEMO_RETENTION_DAYS": "0"}, "invalid DEMO_RETENTION_DAYS: '0'", "from 1 to 365"),
        ({"DEMO_RATES": "5"}, "unknown setting: DEMO_RATES", "did you mean DEMO_RATE?"),
        (
            {"DEMO_COLOUR_OF_THE_BANNER": "5"},
            "unknown setting: DEMO_COLOUR_OF_THE_BANNER",
            "the settings are DEMO_METRICS_PORT, DEMO_API_PORT",
        ),
        (
            {"DEMO_SEED_FILE": "/no/such"},
            "DEMO_SEED_FILE='/no/such' cannot be read",
            "the path of a text file",
        ),
        ({"DEMO_SEED": "1", "DEMO_SEED_FILE": "/x"}, "DEMO_SEED and DEMO_SEED_FILE are both set", "keep one"),
        ({"DEMO_API_PORT": "9091"}, "DEMO_METRICS_PORT and DEMO_API_PORT are both 9091", "set one of them"),
    ],
)
def test_a_bad_setting_is_an_error_with_its_name_its_value_and_the_fix(
    environment: dict[str, str], message: str, fix: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        load(environment)

    assert str(raised.value).startswith(message)
    assert fix in raised.value.fix
    assert raised.value.lines == f"error: {raised.value}\nfix:   {raised.value.fix}"
