"""Addresses of databases in all their forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from flowmanager.errors import InvalidSetting
from flowmanager.store.dsn import normalize

PASSWORDS = st.text(st.characters(codec="utf-8"), min_size=1)


@pytest.mark.parametrize(
    ("given_form", "url"),
    [
        ("mysql://u:p@h:3307/d", "mysql+pymysql://u:p@h:3307/d?charset=utf8mb4"),
        ("mysql+pymysql://u:p@h/d?charset=latin1", "mysql+pymysql://u:p@h/d?charset=utf8mb4"),
        ("MySQL://u@h/d", "mysql+pymysql://u@h/d?charset=utf8mb4"),
        ("mariadb://u:p%40@h/d?x=1", "mysql+pymysql://u:p%40@h/d?charset=utf8mb4"),
        (" mysql://u:p@[::1]:3306/d\n", "mysql+pymysql://u:p@[::1]:3306/d?charset=utf8mb4"),
        ("mysql:///d", "mysql+pymysql://127.0.0.1/d?charset=utf8mb4"),
        (
            "mysql://u@h/d?unix_socket=/s.sock&ssl_ca=/ca.pem",
            "mysql+pymysql://u@h/d?charset=utf8mb4&ssl_ca=%2Fca.pem&unix_socket=%2Fs.sock",
        ),
        ("mysql://u@h/d?tls=true", "mysql+pymysql://u@h/d?charset=utf8mb4&tls=true"),
        ("u:p@tcp(h:3307)/d?parseTime=true&loc=UTC", "mysql+pymysql://u:p@h:3307/d?charset=utf8mb4"),
        ("u:p@tcp(h)/d", "mysql+pymysql://u:p@h/d?charset=utf8mb4"),
        ("u:p@tcp/d", "mysql+pymysql://u:p@127.0.0.1/d?charset=utf8mb4"),
        ("u:p@/d", "mysql+pymysql://u:p@127.0.0.1/d?charset=utf8mb4"),
        ("/d", "mysql+pymysql://127.0.0.1/d?charset=utf8mb4"),
        ("u@tcp(h:1)/d", "mysql+pymysql://u@h:1/d?charset=utf8mb4"),
        ("u:@tcp(h:1)/d", "mysql+pymysql://u:@h:1/d?charset=utf8mb4"),
        ("u:p@tcp([fe80::1]:3306)/d", "mysql+pymysql://u:p@[fe80::1]:3306/d?charset=utf8mb4"),
        ("tcp(h)/d", "mysql+pymysql://h/d?charset=utf8mb4"),
        ("u:p@tcp(h)/d%2Fe", "mysql+pymysql://u:p@h/d%2Fe?charset=utf8mb4"),
        (
            "u:p@unix(/run/mysql.sock)/d?charset=utf8",
            "mysql+pymysql://u:p@localhost/d?charset=utf8mb4&unix_socket=%2Frun%2Fmysql.sock",
        ),
        ("u:p@tcp(h)/d?tls=skip-verify", "mysql+pymysql://u:p@h/d?charset=utf8mb4&tls=skip-verify"),
        ("u:p@tcp(h)/d?tls=false", "mysql+pymysql://u:p@h/d?charset=utf8mb4&tls=false"),
        ("u:p@tcp(h)/d?tls=preferred", "mysql+pymysql://u:p@h/d?charset=utf8mb4"),
        ("sqlite:///relative.db", "sqlite:///relative.db"),
        ("sqlite:////absolute/path.db", "sqlite:////absolute/path.db"),
        ("sqlite+pysqlite:///x.db", "sqlite:///x.db"),
    ],
)
def test_every_form_becomes_one_url(given_form: str, url: str) -> None:
    assert make_url(normalize(given_form)) == make_url(url)
    assert normalize(normalize(given_form)) == normalize(given_form)


@given(password=PASSWORDS)
def test_any_password_survives_in_the_go_form(password: str) -> None:
    url = make_url(normalize(f"user:{password}@tcp(host:3306)/name?parseTime=true"))
    assert (url.username, url.password, url.host, url.database) == ("user", password, "host", "name")


@pytest.mark.parametrize(
    "dsn",
    [
        "",
        "   ",
        "nonsense",
        "secret",
        "/",
        "u:secret@tcp(h:3306)",
        "u:secret@tcp(h:3306)/",
        "u:secret@tcp(h:port)/d",
        "u:secret@tcp(h/d",
        "u:secret@udp(h)/d",
        "u:secret@h:3306/d",
        "/var/lib/secret/store.db",
        "u:secret@tcp(h)/d?tls=custom",
        "mysql://u:secret@h",
        "mysql://u:secret@h/",
        "mysql://u:se@cret@h/d",
        "mysql://u:secret@h:port/d",
        "mysql://u:secret@h/d?tls=secret",
        "postgresql://u:secret@h/d",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory&uri=true",
        "sqlite://secret/x.db",
        "sqlite:secret.db",
    ],
)
def test_anything_else_is_refused_without_showing_the_password(dsn: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        normalize(dsn)
    assert "secret" not in str(refused.value)
    assert "cret" not in str(refused.value)
    assert "\n" not in str(refused.value)
