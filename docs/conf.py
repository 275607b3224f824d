"""The site: the lessons as they were saved, the package's reference, glossary, figures.

Nothing is executed and no page loads anything from another host. CONTRIBUTING.md has the command.
"""

import importlib.util
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))

import lesson_pages  # noqa: E402  (in the same folder)
import reference_pages  # noqa: E402

_pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
_about = _pyproject["project"]

project = "Segmenting medical images with U-Nets"
author = ", ".join(person["name"] for person in _about["authors"])
project_copyright = f"2026, {author}; text CC BY 4.0, code MIT"
version = release = _about["version"]
language = "en_GB"

extensions = [
    "myst_nb",
    "autoapi.extension",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "demo_page",
    "lesson_pages",
    "reference_pages",
]
exclude_patterns = ["_build", "demo", "jupyter_execute"]  # myst-nb writes the second
suppress_warnings = ["misc.highlighting_failure"]  # in a lesson "…" may stand for code

# --- lessons ------------------------------------------------------------------------------------

_lessons = lesson_pages.copy_lessons(ROOT / "notebooks", HERE / "notebooks")
nb_execution_mode = "off"  # what is saved is what a reader sees
nb_merge_streams = True
nb_ipywidgets_js = {}  # would come from another host; saved outputs hold no widgets
myst_enable_extensions = ["attrs_inline", "colon_fence", "dollarmath", "substitution"]
myst_heading_anchors = 3
# {{ lesson05 }} is a link to lesson 05; a lesson that doesn't exist is a warning, hence an error
myst_substitutions = {f"lesson{path.name[:2]}": lesson_pages.link(path) for path in _lessons}
myst_substitutions["version"] = version
myst_substitutions["terms_by_lesson"] = lesson_pages.terms_by_lesson(HERE / "glossary.md", _lessons)
myst_substitutions["modules"] = reference_pages.table(_lessons)
myst_substitutions["for_instructors"] = lesson_pages.menu(
    HERE, "For instructors", ("instructors", "hub")
)

# --- reference ----------------------------------------------------------------------------------

# read, not imported: TensorFlow isn't needed to build the site
autoapi_dirs = [str(ROOT / "unet_course")]
autoapi_root = "reference"
reference_pages.remove_old_pages(HERE / autoapi_root)
autoapi_ignore = [f"*/{name}" + "/*" * ("*" not in name) for name in reference_pages.IGNORED]
autoapi_options = ["members"]
autoapi_member_order = "bysource"
autoapi_add_toctree_entry = False
autoapi_keep_files = True
autoapi_python_class_content = "both"
default_role = "code_or_link"  # `single backticks` (reference_pages.py)
napoleon_numpy_docstring = False  # Google style

# --- looks --------------------------------------------------------------------------------------

_mathjax = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent
html_theme = "sphinx_book_theme"
html_title = project
html_baseurl = _about["urls"]["Documentation"]  # only for search engines: links are relative
html_static_path = ["_static", str(_mathjax / "static" / "mathjax" / "tex-svg-full.js")]
html_css_files = ["site.css"]
html_js_files = [("sliders.js", {"defer": "defer"})]
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}  # light or dark as the reader's system is
html_show_sourcelink = False
mathjax_path = "tex-svg-full.js"  # one file with every extension, and no fonts to fetch
# what MathJax would fetch when a reader opens its menu
mathjax3_config = {"options": {"enableMenu": False}}
html_theme_options = {
    "repository_url": _about["urls"]["Repository"],
    "repository_branch": _pyproject["tool"]["unet-course"]["branch"],
    "path_to_docs": "",  # docs/notebooks is a copy of notebooks
    "launch_buttons": {
        "colab_url": "https://colab.research.google.com",
        "binderhub_url": "https://mybinder.org",
        "notebook_interface": "jupyterlab",
    },
    "use_repository_button": True,
    "use_download_button": True,
    "show_toc_level": 2,
    "home_page_in_toc": True,
    "max_navbar_depth": 2,
    "navbar_persistent": [],
}

# --- links to other hosts: sphinx-build -b linkcheck --------------------------------------------

linkcheck_timeout = 30
linkcheck_retries = 2
linkcheck_anchors = False  # GitHub and others make theirs by script
linkcheck_ignore = [
    r"https://mybinder\.org/v2/",  # would build an image for each lesson
    r"https://colab\.research\.google\.com/",  # asks for a sign-in
    r"https://www\.kaggle\.com/",  # refuses programs
    r"https?://(localhost|127\.0\.0\.1|HUB)",
    r"https://github\.com/OWNER/",  # not published yet
    r"https://owner\.github\.io/",
]
