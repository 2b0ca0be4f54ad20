"""What happened to an activeflow, for people: read from the wire, told as text, drawn as Mermaid and SVG."""
