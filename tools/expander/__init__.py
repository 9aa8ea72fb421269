"""Makes the expansion model that the extension ships: ``python -m tools.expander.train --help``."""
