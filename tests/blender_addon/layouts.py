"""A layout that keeps what a panel draws on it: Blender itself draws none in the background."""

from types import SimpleNamespace


class Layout:
    """Takes every call of a UILayout; what is drawn is in ``drawn`` as (kind, text or name, properties)."""

    def __init__(self, drawn=None):
        object.__setattr__(self, "drawn", [] if drawn is None else drawn)

    def __getattr__(self, name):
        def call(*given, **named):
            first = next((item for item in given if isinstance(item, str)), "")
            properties = SimpleNamespace()
            what = given[1] if name == "prop" else first
            self.drawn.append((name, named.get("text") or what, properties, named))
            if name == "operator":
                return properties
            # A section that can be folded is a header and a body.
            return (Layout(self.drawn), Layout(self.drawn)) if name == "panel" else Layout(self.drawn)

        return call

    def __setattr__(self, name, value):
        pass

    def texts(self):
        """All that can be read, in order."""
        return [str(text) for _, text, _, named in self.drawn if text]


def drawn(panel, context):
    """What ``panel`` draws, if its poll lets it."""
    layout = Layout()
    if not hasattr(panel, "poll") or panel.poll(context):
        panel.draw(SimpleNamespace(layout=layout), context)
    return layout
