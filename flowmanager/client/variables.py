"""Variables of activeflows: `/v1/variables`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Unpack
from urllib.parse import quote, quote_plus

from flowmanager.client.exchange import Exchanger
from flowmanager.client.options import CallOptions
from flowmanager.client.records import Variables

URI = "/v1/variables"


@dataclass(frozen=True, slots=True)
class VariableSets:
    """Reads and changes the variables of activeflows. Every method raises ActiveflowNotFound and other ClientErrors."""

    exchanger: Exchanger

    def get(self, activeflow_id: str, **options: Unpack[CallOptions]) -> dict[str, str]:
        """Return all variables."""
        found = self.exchanger.read(Variables.read, "GET", f"{URI}/{activeflow_id}", None, options)
        return dict(found.variables)

    def set(self, activeflow_id: str, variables: Mapping[str, str], **options: Unpack[CallOptions]) -> None:
        """Set variables, the others stay. A value may refer to stored ones: `${name}`. Raises VariableLimit."""
        body = {"variables": dict(variables)}
        self.exchanger.request("POST", f"{URI}/{activeflow_id}/variables", body, options)

    def delete(self, activeflow_id: str, name: str, **options: Unpack[CallOptions]) -> None:
        """Delete a variable; one that is not there is no error."""
        # Encoded twice: the server decodes the path before it looks for slashes, then the name.
        encoded = quote(quote_plus(name), safe="")
        self.exchanger.request("DELETE", f"{URI}/{activeflow_id}/variables/{encoded}", None, options)

    def substitute(self, activeflow_id: str, text: str, **options: Unpack[CallOptions]) -> str:
        """Return a text with its `${name}` placeholders replaced; nothing is stored."""
        uri = f"{URI}/{activeflow_id}/substitute"
        return self.exchanger.read(lambda answer: str(answer["data"]), "POST", uri, {"data": text}, options)
