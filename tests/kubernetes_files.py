"""JSON schemas of a Kubernetes Service and Job: the fields that the course's file uses, and no others.

Written after the API reference (core/v1 and batch/v1). Kubernetes' own schemas, which have many more
fields, take 108 MB (the package kubernetes-validate): `job.yaml` passes its strict ones of 1.30 and 1.37.
"""


def _object(**fields) -> dict:
    """An object with all of these fields and no others, so that a misspelt one is found."""
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def _list(entry: dict) -> dict:
    return {"type": "array", "items": entry, "minItems": 1}


COUNT = {"type": "integer", "minimum": 1}
PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63}
LABELS = {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1}
QUANTITY = {"type": ["string", "integer"], "pattern": r"^\d+(\.\d+)?([kMGT]i?|m)?$"}

SERVICE = _object(
    apiVersion={"const": "v1"},
    kind={"const": "Service"},
    metadata=_object(name=NAME),
    spec=_object(
        clusterIP={"type": "string"},
        publishNotReadyAddresses={"type": "boolean"},
        selector=LABELS,
        ports=_list(_object(port=PORT)),
    ),
)
_CONTAINER = _object(
    name=NAME,
    image={"type": "string", "minLength": 1},
    command=_list({"type": "string"}),
    args=_list({"type": "string"}),
    # a number without quotation marks is refused by the server
    env=_list(
        _object(name={"type": "string", "pattern": r"^[A-Z_]\w*$"}, value={"type": "string"})
    ),
    ports=_list(_object(containerPort=PORT)),
    resources=_object(
        limits={"type": "object", "additionalProperties": QUANTITY, "required": ["nvidia.com/gpu"]}
    ),
    volumeMounts=_list(_object(name=NAME, mountPath={"type": "string", "pattern": "^/"})),
)
JOB = _object(
    apiVersion={"const": "batch/v1"},
    kind={"const": "Job"},
    metadata=_object(name=NAME),
    spec=_object(
        completionMode={"enum": ["NonIndexed", "Indexed"]},
        completions=COUNT,
        parallelism=COUNT,
        backoffLimit={"type": "integer", "minimum": 0},
        template=_object(
            spec=_object(
                subdomain=NAME,
                restartPolicy={"enum": ["Never", "OnFailure"]},  # a Job takes no `Always`
                containers=_list(_CONTAINER),
                volumes=_list(_object(name=NAME, persistentVolumeClaim=_object(claimName=NAME))),
            )
        ),
    ),
)
