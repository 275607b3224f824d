"""The site: it builds without a warning, holds every lesson, and asks no other host for anything."""

import ast
import json
import re
import tomllib
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from lesson_files import LESSONS, ROOT, read
from PIL import Image
from site_files import anchors, built, missing, page, pages, tags

from unet_course.synthetic import sample_data

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
SLIDERS = ROOT / "docs" / "sliders.json"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def lesson_page(lesson):
    return page(built() / "notebooks" / f"{lesson.stem}.html")


def prose(lesson) -> str:
    cells = [cell.source for cell in read(lesson).cells if cell.cell_type == "markdown"]
    return " ".join(" ".join(cells).lower().split())


def test_lessons_stand_in_their_order_in_the_menu():
    menu = page(built() / "index.html").select(".bd-sidebar-primary a[href^='notebooks/']")
    assert [link["href"] for link in menu] == [f"notebooks/{path.stem}.html" for path in LESSONS]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lessons_figures_say_what_they_show(lesson):
    saved = [
        output.metadata["image/png"]["alt"]
        for cell in read(lesson).cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    shown = [image["alt"] for image in lesson_page(lesson).select(".cell_output img:not(figure *)")]
    assert shown == saved
    assert saved != []


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_launch_buttons_open_the_lesson_itself(lesson):
    repository = PYPROJECT["project"]["urls"]["Repository"].removeprefix("https://github.com/")
    branch = PYPROJECT["tool"]["unet-course"]["branch"]
    opened = {link["href"] for link in lesson_page(lesson).select(".dropdown-launch-buttons a")}
    file = f"notebooks/{lesson.name}"
    assert f"https://colab.research.google.com/github/{repository}/blob/{branch}/{file}" in opened
    binder = f"https://mybinder.org/v2/gh/{repository}/{branch}?urlpath="
    assert [unquote(a) for a in opened if a.startswith(binder)] == [f"{binder}lab/tree/{file}"]


def test_every_widget_is_there_as_pictures_with_sliders():
    places = {}
    for lesson in LESSONS:
        assert "Box(children=" not in lesson_page(lesson).get_text(), lesson.name
        shown = lesson_page(lesson).select(".slider-pictures")
        saved = [
            f"{lesson.stem}-{cell.id}"
            for cell in read(lesson).cells
            for output in cell.get("outputs", [])
            if "Box(children=" in output.get("data", {}).get("text/plain", "")
        ]
        assert len(shown) == len(saved)
        places |= dict(zip(saved, shown, strict=True))
    assert set(places) == set(json.loads(SLIDERS.read_text(encoding="utf-8"))) != set()
    for name, figure in places.items():
        picture, sliders = figure.select_one("img"), figure.select("input[type=range]")
        strip = Image.open(built() / "notebooks" / picture["src"])
        frames = int(figure["data-frames"])
        assert strip.size == (int(picture["width"]), frames * int(picture["height"])), name
        ends = [0]
        for slider in sliders:
            said = json.loads(slider["data-said"])
            assert int(slider["data-first"]) == ends[-1] and int(slider["max"]) == len(said) - 1
            ends.append(ends[-1] + len(said))
            assert len(set(said)) == len(said), "two places of a slider are called the same"
            assert slider.find_parent("label").get_text().strip()
        known = json.loads(SLIDERS.read_text(encoding="utf-8"))[name]["sliders"][0]
        if sliders:
            assert ends[-1] == frames > 4
        else:  # to be drawn on: what it is at the start
            assert frames == 1 == len(known["said"])
        first = known["said"][known["start"]]
        assert picture["alt"] == figure.select_one("figcaption").get_text() == first


def test_the_pictures_are_the_widgets_as_they_are_now():
    """What can be told without running the lessons: the cell that shows it, and the sample."""
    for name, known in json.loads(SLIDERS.read_text(encoding="utf-8")).items():
        (lesson,) = (path for path in LESSONS if name.startswith(f"{path.stem}-"))
        (source,) = (c.source for c in read(lesson).cells if name == f"{lesson.stem}-{c.id}")
        assert known["cell"] == source, f"run python tools/site_sliders.py {lesson.name[:2]}"
        assert known["sample"] == sample_data.VERSION, "run python tools/site_sliders.py"


def test_nothing_comes_from_another_host():
    for path in pages():
        loaded = [
            attributes.get("src") or attributes.get("href", "")
            for tag, attributes in tags(path)
            if "src" in attributes or (tag == "link" and attributes.get("rel") != "canonical")
        ]
        assert [address for address in loaded if urlsplit(address).netloc] == [], path.name
    for sheet in built().rglob("*.css"):
        assert re.findall(r"url\(['\"]?(?:https?:)?//", sheet.read_text(encoding="utf-8")) == []


def test_every_picture_has_alt_text():
    for path in pages():
        for tag, attributes in tags(path):
            if tag == "img":
                assert attributes.get("alt", "").strip(), (path.name, attributes["src"])


def test_links_within_the_site_lead_somewhere():
    for path in pages():
        for link in {attributes.get("href", "") for tag, attributes in tags(path) if tag == "a"}:
            url = urlsplit(link)
            if not link or url.scheme or url.netloc:
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            assert target.is_file(), (path.name, link)
            if url.fragment and target.suffix == ".html":
                assert unquote(url.fragment) in anchors(target), (path.name, link)


# --- glossary, reference, figures, citation -----------------------------------------------------


def entries() -> list[tuple[list[str], list[str]]]:
    """The glossary's terms that share an explanation, and the pages that it links to."""
    found, terms = [], []
    for tag in page(built() / "glossary.html").select("dl.glossary > *"):
        if tag.name == "dt":
            tag = tag.__copy__()
            for link in tag.select(".headerlink"):
                link.decompose()
            terms.append(tag.get_text().strip())
        else:
            found.append((terms, [link["href"] for link in tag.select("a[href]")]))
            terms = []
    return found


def test_each_term_links_to_the_lesson_that_introduces_it():
    by_page = {f"notebooks/{path.stem}.html": path for path in LESSONS}
    assert len(entries()) > 100
    for terms, links in entries():
        assert links, terms
        for link in links:
            assert link in by_page, (terms, link)
            text = prose(by_page[link])
            assert any(term.lower() in text for term in terms), (terms, link)


def test_terms_are_in_order_and_explained_once():
    first = [terms[0].lower() for terms, _ in entries()]
    assert first == sorted(first)
    every = [term.lower() for terms, _ in entries() for term in terms]
    assert len(every) == len(set(every))


def test_the_glossary_leads_to_each_letter_and_lists_each_lessons_terms():
    glossary = page(built() / "glossary.html")
    letters = [link.get_text() for link in glossary.select("article a[href^='#']:not(.headerlink)")]
    heads = [head.contents[0].strip() for head in glossary.select("article h2")]
    initials = list(dict.fromkeys(terms[0][0].upper() for terms, _ in entries()))
    assert heads == [*initials, "By lesson"]
    assert letters[: len(heads)] == [*initials, "by lesson"]
    rows = glossary.select("article table tbody tr")
    linked = [link["href"] for row in rows for link in row.select("a[href^='#term-']")]
    assert len(rows) == len(LESSONS) and len(set(linked)) == len(linked) == len(entries())


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lessons_terms_link_to_the_glossary(lesson):
    links = lesson_page(lesson).select("a.term")
    assert links
    assert all(link["href"].startswith("../glossary.html#term-") for link in links)


def test_the_reference_holds_every_module_that_lessons_import():
    table = page(built() / "package.html").select("article table tbody tr")
    listed = [row.select_one("a")["href"] for row in table]
    made = {
        str(path.relative_to(built()))
        for path in (built() / "reference").rglob("index.html")
        if path.parent.name not in ("reference", "unet_course")
    }
    folders = {str(Path(link).parent.parent / "index.html") for link in listed}
    assert len(listed) == len(set(listed)) and set(listed) <= made
    assert made - set(listed) <= folders, "a page that the table doesn't lead to"
    assert not any("commands" in link or "synthetic" in link for link in made)
    assert "data/lgg" in listed[0] or "data/brats" in listed[0], "lesson 00 comes first"
    for row in table:
        assert row.select("td")[1].get_text().strip(), row.select_one("a")["href"]
    dice = page(built() / "reference/unet_course/judging/metrics/index.html").find(
        id="unet_course.judging.metrics.dice"
    )
    assert "prediction" in dice.get_text()


def test_shapes_with_a_star_stand_in_backticks():
    """Sphinx reads `*` and `|` as markup; this names the line without building the site."""
    for path in (ROOT / "unet_course").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = re.sub(r"`[^`]+`", "", ast.get_docstring(node) or "")
                for line in text.splitlines():
                    bare = re.search(r"(?<![\w*)])[*|](?=[\w(])(?![\w ]+[*|])", line)
                    example = line.lstrip().startswith((">>>", "..."))
                    assert example or not bare, (path.name, getattr(node, "name", ""), line)


def test_docstrings_leave_no_markup_on_the_page():
    for path in (built() / "reference").rglob("*.html"):
        for code in page(path).select("article pre, article .sig"):
            code.decompose()
        text = page(path).select_one("article").get_text()
        assert re.findall(r"``|(?<!\w)\*\w+\*(?!\w)", text) == [], path.parent.name


def test_the_front_page_leads_to_the_first_lesson():
    (button,) = page(built() / "index.html").select("a.start-button")
    assert button["href"] == f"notebooks/{LESSONS[0].stem}.html"


def test_lesson_15_and_the_demo_lead_to_each_other():
    (lesson,) = (path for path in LESSONS if path.name.startswith("15_"))
    links = [link["href"] for link in lesson_page(lesson).select("article a[href]")]
    assert "../demo/index.html" in links and not any("/demo/" in x for x in links if "://" in x)
    demo = (ROOT / "docs" / "demo" / "index.html").read_text(encoding="utf-8")
    assert f'<a href="../notebooks/{lesson.stem}.html">' in demo
    assert "/demo/index.html)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tables_of_figures_are_there():
    source = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    tables = len(re.findall(r"^\|[-| :]*---[-| :]*\|$", source, re.MULTILINE))
    shown = page(built() / "benchmarks.html").select("article table")
    assert len(shown) == tables > 0
    for head in (table.select("th") for table in shown):
        assert all(cell.get_text().strip() for cell in head), "a column without a name"


def test_citation_names_the_version_and_its_authors():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = PYPROJECT["project"]
    assert str(citation["version"]) == project["version"]
    assert citation["authors"] == project["authors"]
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "type", "license"} <= set(citation)
