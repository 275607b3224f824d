"""The helper package of the course "Segmenting medical images with U-Nets".

Its folders are the course's steps, in the order in which data walks through them; a module imports
from its own folder and from those above it, never from those below:

    runtime, memory   where the course runs and what it may use; storage writes files safely
    network           networks and losses                         lessons 03, 04, 08
    synthetic         the sample's patients
    data              files to arrays, splits                     lessons 02, 07
    judging           metrics and statistics                      lessons 03, 06, 11
    showing           figures and explorers                       all lessons
    exercises         the self-checks                             all lessons
    prediction        networks applied to slices and volumes      lessons 05, 11
    training          augmentation, batches, the training loop    lessons 05, 09, 10
    commands          the command `unet-course`

`weights` holds the two small networks that lessons open ready trained (on the sample alone);
`judging/tables` the results of longer runs; `commands/deck` the look of the slides.

Importing this package imports neither TensorFlow nor Matplotlib.
"""

import sys

__version__ = "0.1.0"


class _NoJaxForTensorFlow:
    """Keeps side jobs of TensorFlow and Keras from importing JAX: 0.12 GB and two seconds for nothing.

    They import it wherever it is installed, and do without it where it isn't. Every other import of
    JAX goes on as always.
    """

    IMPORTERS = ("tensorflow.lite.python.util", "keras.src.callbacks.orbax_checkpoint")

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name == "jax":
            for importer in filter(None, map(sys.modules.get, cls.IMPORTERS)):
                if getattr(importer.__spec__, "_initializing", False):
                    raise ModuleNotFoundError(f"not for {importer.__name__}", name=name)
        return None  # the usual finders look for it


sys.meta_path.insert(0, _NoJaxForTensorFlow)
