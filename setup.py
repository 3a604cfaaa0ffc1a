"""What pyproject.toml cannot say: the catalogues of translators are compiled before what is installed is gathered."""

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# Built by itself, without the repository's folder among the places of modules.
sys.path.insert(0, str(Path(__file__).parent))

from webapp.catalogues import compile_all


class BuildWithCatalogues(build_py):
    """As usual, after compiling."""

    def run(self) -> None:
        """Compile them beside their sources, where an editable installation reads them too."""
        compile_all()
        super().run()


setup(cmdclass={"build_py": BuildWithCatalogues})
