"""TLS to MySQL: what the parameters of an address mean."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from flowmanager.errors import InvalidSetting

CA, CA_FOLDER, CERTIFICATE, KEY, CHECK_NAME = "ssl_ca", "ssl_capath", "ssl_cert", "ssl_key", "ssl_check_hostname"
TLS_PARAMETERS = (CA, CA_FOLDER, CERTIFICATE, KEY, CHECK_NAME)
NO = frozenset({"false", "0", "no"})


def encryption(given: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the driver's arguments for `tls` and the files that an address names. Raises InvalidSetting.

    `tls` is `true`, with certificates checked, `skip-verify`, `false`, or empty: where the server can, unless a file
    is named; then it counts as `true`.
    """
    named = [name for name in TLS_PARAMETERS if given.get(name)]
    mode = given.get("tls", "") or ("true" if named else "")
    if mode == "false":
        if named:
            raise InvalidSetting(f"the address of the database is not valid: {named[0]} with tls=false")
        return {"ssl_disabled": True}
    if not mode:
        return {}
    context = trusting(given)
    if given.get(CHECK_NAME, "").lower() in NO or mode == "skip-verify":
        context.check_hostname = False
    if mode == "skip-verify":
        context.verify_mode = ssl.CERT_NONE
    return {"ssl": context}


def trusting(given: Mapping[str, str]) -> ssl.SSLContext:
    """Return what checks the server's certificate and shows ours. Raises InvalidSetting for files of no use."""
    name = CA
    try:
        context = ssl.create_default_context(cafile=given.get(CA), capath=given.get(CA_FOLDER))
        # The certificates that MySQL makes for itself lack what newer rules ask of an authority.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        name = CERTIFICATE
        if certificate := given.get(CERTIFICATE):
            context.load_cert_chain(certificate, given.get(KEY), password=no_password)
    except OSError as error:
        raise InvalidSetting(f"the address of the database is not valid: {name} cannot be used: {error}") from error
    return context


def no_password() -> str:
    """Refuse a key that needs one: OpenSSL would ask for it on the terminal."""
    raise OSError("the key is encrypted; give one without a password")
