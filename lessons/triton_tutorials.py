"""Makes the lessons importable under CPython, by the names that tkc gives them:

    PYTHONPATH=lessons python3 -c \
        'from triton_tutorials.lessons.beginner.lesson_01_gpu_fundamentals import vector_add'

Needs PyTorch, Triton and a GPU. tkc itself does not use this file.
"""
import importlib.machinery
import importlib.util
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent
__path__ = [str(ROOT)]  # makes this module a package


class TkFinder:
    """Finds triton_tutorials.lessons.LEVEL.LESSON as ROOT/LEVEL/LESSON.tk."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        package, _, rest = name.partition(".lessons")
        if package != "triton_tutorials" or not name.startswith("triton_tutorials.lessons"):
            return None
        place = ROOT.joinpath(*rest.split(".")[1:])
        if place.is_dir():
            spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = [str(place)]
            return spec
        loader = importlib.machinery.SourceFileLoader(name, str(place.with_suffix(".tk")))
        return importlib.util.spec_from_file_location(name, loader.path, loader=loader)


sys.meta_path.insert(0, TkFinder)
