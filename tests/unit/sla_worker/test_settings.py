"""What the environment may hold: a value that cannot work is one clear error at the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from sla_worker.errors import SettingsError
from sla_worker.settings import read_settings


def complaint(**environ: str) -> str:
    """The one line of the error that these variables are."""
    with pytest.raises(SettingsError) as found:
        read_settings(environ)
    line = str(found.value)
    assert line.isprintable()
    return line


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        (
            "REPORT_OWNER", "a@b.example;c@d.example",
            "REPORT_OWNER=a@b.example;c@d.example: a@b.example;c@d.example is not a mail address;"
            " give one like owner@example.com, several separated by commas",
        ),
        (
            "REPORT_ON_CALL", "a@b.example, ,c@d.example",
            "REPORT_ON_CALL=a@b.example, ,c@d.example: what stands between two commas is not a mail address;"
            " give one like on-call@example.com, several separated by commas",
        ),
        (
            "REPORT_FROM", "a@b.example,c@d.example",
            "REPORT_FROM=a@b.example, c@d.example: give one mail address like sla-worker@example.com",
        ),
        (
            "SMTP_HOST", "mail..example.com",
            "SMTP_HOST=mail..example.com: give a host name or an address like 127.0.0.1",
        ),
        (
            "SLA_WORKER_BIND", "999.1.1.1",
            "SLA_WORKER_BIND=999.1.1.1: give a host name or an address like 127.0.0.1",
        ),
        (
            "SLA_WORKER_ALLOWED_HOSTS", "a.b:8080",
            "SLA_WORKER_ALLOWED_HOSTS=a.b:8080: give host names without port, separated by commas",
        ),
    ],
)  # fmt: skip
def test_an_error_names_variable_value_and_fix(name: str, value: str, line: str) -> None:
    assert complaint(**{name: value}) == line


@pytest.mark.parametrize(
    "address",
    [
        "me", "@b.example", "a@", "a b@c.example", "Me <a@b.example>", "a@b..example", "a@-b.example",
        "a\n@b.example", "a@b.example\nBcc: x@y.example", "ä@b.example", "a@bücher.example", "a@[127.0.0.1]",
        "a@::1", "a@b.example.",
        '"a b"@c.example', ".a@b.example", "a..b@c.example", f"{'a' * 65}@b.example", f"a@{'b' * 64}.example",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["REPORT_FROM", "REPORT_OWNER", "REPORT_ON_CALL"])
def test_what_is_no_mail_address_is_refused(name: str, address: str) -> None:
    assert "is not a mail address" in complaint(**{name: address})


def test_several_addresses_are_several_recipients_and_each_counts_once() -> None:
    settings = read_settings({"REPORT_OWNER": "a@b.example, c+d@e-f.example ,a@b.example,o'neil@localhost"})
    assert settings.report_owner == ("a@b.example", "c+d@e-f.example", "o'neil@localhost")


@pytest.mark.parametrize(
    "host", ["", "mailhog", "127.0.0.1", "::1", "smtp.example.com.", "my_relay", "xn--bcher-kva.example"]
)
def test_hosts_that_may_exist_are_taken(host: str) -> None:
    assert read_settings({"SMTP_HOST": host}).smtp.host == (host or "127.0.0.1")


@pytest.mark.parametrize(
    "host", ["a b", "a..b", ".", "-a", "a-", f"{'a' * 64}.b", "1.2.3", "bücher.example", "a\tb", "http://a"]
)
def test_hosts_that_cannot_exist_are_refused(host: str) -> None:
    assert "SMTP_HOST=" in complaint(SMTP_HOST=host)


@pytest.mark.parametrize(
    "name",
    [
        "SMTP_PASSWORD", "SMTP_USER", "SLA_WEBHOOK_TOKEN", "PROMETHEUS_BEARER_TOKEN", "PROMETHEUS_PASSWORD",
        "PROMETHEUS_TENANT",
    ],
)  # fmt: skip
@pytest.mark.parametrize(("sign", "shown"), [("ü", r"'\xfc'"), ("\u20ac", r"'\u20ac'"), ("\n", r"'\n'")])
def test_a_secret_that_no_protocol_carries_is_refused_without_showing_it(
    name: str, sign: str, shown: str
) -> None:
    line = complaint(**{name: f"pass{sign}word"})
    assert line.startswith(f"{name}: character 5 is {shown}; give a value of ASCII letters, digits and signs")
    assert "word" not in line.lower().replace("password", "")


@pytest.mark.parametrize("name", ["SLA_WEBHOOK_TOKEN", "PROMETHEUS_BEARER_TOKEN"])
def test_a_token_has_no_spaces_and_a_password_may(name: str) -> None:
    assert "without spaces" in complaint(**{name: "two words"})
    assert read_settings({"SMTP_PASSWORD": "two words"}).smtp.password == "two words"  # noqa: S105 - made up


def test_a_file_may_begin_with_the_mark_of_its_encoding(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xef\xbb\xbfsesame\r\n")
    settings = read_settings({"SMTP_PASSWORD_FILE": str(tmp_path / "secret")})
    assert settings.smtp.password == "sesame"  # noqa: S105 - made up


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret"
    file.mkdir() if content is None else file.write_bytes(content)
    assert complaint(SMTP_PASSWORD_FILE=str(file)).startswith(f"SMTP_PASSWORD_FILE={file}: cannot be read")


@pytest.mark.parametrize("value", ["X-A: ü", "X A: 1", ": 1", "X-A 1", "X-A: \x01"])
def test_a_header_that_cannot_be_sent_is_refused(value: str) -> None:
    assert complaint(PROMETHEUS_HEADERS=value).startswith("PROMETHEUS_HEADERS: ")


def test_the_host_of_the_public_url_is_one_of_ours() -> None:
    environ = {
        "SLA_WORKER_PUBLIC_URL": "https://SLA.example.com:8443/x",
        "SLA_WORKER_ALLOWED_HOSTS": "a.b,c.d",
    }
    assert read_settings(environ).allowed_hosts == ("sla.example.com", "a.b", "c.d")


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        (
            "GRAFANA_PUBLIC_URL", "https://me:s3cret@grafana.example",
            "GRAFANA_PUBLIC_URL=https://…@grafana.example: the user name and password before the @ would be"
            " shown on pages and in mails; take them out of the URL",
        ),
        (
            "PROMETHEUS_URL", "ftp://me:s3cret@prom",
            "PROMETHEUS_URL=ftp://…@prom: give a URL like http://127.0.0.1:9090",
        ),
        (
            "PROMETHEUS_URL", "http://me:s3/cret@prom:9090",
            "PROMETHEUS_URL=http://…@prom:9090: give a URL like http://127.0.0.1:9090",
        ),
        (
            "PROMETHEUS_URL", "me:s3cret@prom:9090",
            "PROMETHEUS_URL=…@prom:9090: give a URL like http://127.0.0.1:9090",
        ),
        (
            "PROMETHEUS_URL", "http://prom:9090/?token=a",
            "PROMETHEUS_URL=http://prom:9090/?token=a: give a URL like http://127.0.0.1:9090",
        ),
        (
            "PROMETHEUS_URL", "http://prom..example",
            "PROMETHEUS_URL=http://prom..example: give a URL like http://127.0.0.1:9090",
        ),
    ],
)  # fmt: skip
def test_an_error_about_a_url_shows_no_password(name: str, value: str, line: str) -> None:
    assert complaint(**{name: value}) == line


def test_a_login_in_the_url_of_prometheus_is_taken_out_of_it() -> None:
    settings = read_settings({"PROMETHEUS_URL": "https://me:p%40ss@[::1]:9090/prom/"}).prometheus
    assert (settings.url, settings.username, settings.password) == ("https://[::1]:9090/prom", "me", "p@ss")


def test_two_logins_for_prometheus_are_refused() -> None:
    environ = {"PROMETHEUS_URL": "http://me:s3cret@prom", "PROMETHEUS_BEARER_TOKEN": "t"}
    assert complaint(**environ) == (
        "PROMETHEUS_BEARER_TOKEN and a user name in PROMETHEUS_URL are both set; set one of them"
    )


def test_a_secret_whose_file_is_empty_is_not_a_secret_that_is_unset(tmp_path: Path) -> None:
    """Without the token the webhook is open to every program: nobody wanted that who names a file of it."""
    file = tmp_path / "token"
    file.write_text("\n")
    assert complaint(SLA_WEBHOOK_TOKEN_FILE=str(file)) == (
        f"SLA_WEBHOOK_TOKEN_FILE={file}: is empty; write the value into it or unset SLA_WEBHOOK_TOKEN_FILE"
    )


@pytest.mark.parametrize("name", ["SLA_DATABASE_PATH", "SMTP_USER", "SMTP_HOST", "SLA_WEBHOOK_TOKEN"])
def test_a_blank_value_is_said_to_be_blank(name: str) -> None:
    assert complaint(**{name: "  "}) == f"{name}=  : is blank; give a value or unset it"


@pytest.mark.parametrize("text", ["٣٠٠", "3_00", "300s", "3e2"])
def test_a_number_is_written_in_digits(text: str) -> None:
    assert "give a whole number from 5 to 3600" in complaint(SLA_INTERVAL_SECONDS=text)


def test_a_url_of_postgresql_goes_before_the_path_and_is_shown_nowhere(tmp_path: Path) -> None:
    url = "postgresql://sla:geheim@db.example:5432/sla?sslmode=require"
    (tmp_path / "url").write_text(f"{url}\n")
    settings = read_settings({"SLA_DATABASE_URL_FILE": str(tmp_path / "url"), "SLA_DATABASE_PATH": "x.db"})
    assert settings.database == url
    assert "geheim" not in repr(settings)
    assert read_settings({"SLA_DATABASE_PATH": "x.db"}).database == Path("x.db")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:geheim@h/d",
        "postgresql://u:geheim@h",
        "postgresql://u:geheim@h:x/d",
        "sla.db?password=geheim",
    ],
)
def test_another_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="give a URL like postgresql://") as raised:
        read_settings({"SLA_DATABASE_URL": url})
    assert "geheim" not in str(raised.value)


def test_slots_are_kept_longer_than_they_are_caught_up_with() -> None:
    line = complaint(SLA_KEEP_SLOTS="15")  # 15 days of catch-up is the default
    assert line == (
        "SLA_KEEP_SLOTS=15: must be a day more than SLA_CATCH_UP_SECONDS=1296000 or SLA_BEGIN_DAYS=0,"
        " which read them"
    )
    assert read_settings({"SLA_KEEP_SLOTS": "0"}).keep_slot_days == 0


def test_a_ledger_that_begins_earlier_is_read_from_there() -> None:
    """32 days are more than the usual 15 of catch-up; 34 of them need 35 days of slots."""
    assert read_settings({"SLA_BEGIN_DAYS": "32"}).catch_up_seconds == 32 * 86_400
    assert read_settings({"SLA_BEGIN_DAYS": "3"}).catch_up_seconds == 15 * 86_400
    assert complaint(SLA_BEGIN_DAYS="34", SLA_KEEP_SLOTS="34").startswith("SLA_KEEP_SLOTS=34: must be a day")
    assert complaint(SLA_BEGIN_DAYS="35").endswith("give a whole number from 0 to 34")
