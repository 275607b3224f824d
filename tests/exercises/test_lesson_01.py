"""Lesson 01's exercises: the usual mistakes, and the words of the hint that each must get."""

MISTAKES = {
    "threshold-a-map": [
        (
            "def to_mask(probabilities, threshold=0.5):\n"
            "    return (probabilities > threshold).astype(np.uint8)",
            ">= and not >",
        ),
        (
            "def to_mask(probabilities, threshold=0.5):\n"
            "    return np.round(probabilities).astype(np.uint8)",
            "not rounding",
        ),
        (
            "def to_mask(probabilities, threshold=0.5):\n"
            "    return (probabilities >= 0.5).astype(np.uint8)",
            "as it is, decides",
        ),
        (
            "def to_mask(probabilities, threshold=0.5):\n    return probabilities >= threshold",
            "astype(np.uint8)",
        ),
        (
            "def to_mask(probabilities, threshold=0.5):\n"
            "    return np.where(probabilities >= threshold, 1, 0)",
            "default, int64",
        ),
        (
            "def to_mask(probabilities, threshold=0.5):\n"
            "    return np.where(probabilities >= threshold, 255, 0).astype(np.uint8)",
            "Files hold 255",
        ),
        (
            "def to_mask(probabilities, threshold=0.5):\n"
            "    return (probabilities < threshold).astype(np.uint8)",
            "swapped",
        ),
        (
            "def to_mask(probabilities, threshold=0.5):\n"
            "    return np.where(probabilities >= threshold, probabilities, 0)",
            "only yes or no",
        ),
        (
            "def to_mask(probabilities, threshold=0.5):\n"
            "    return (probabilities // threshold).astype(np.uint8)",
            "however far",
        ),
        (
            "def to_mask(probabilities, threshold=0.5):\n"
            "    mask = np.zeros(probabilities.shape, np.uint8)\n"
            "    for i in range(probabilities.shape[0]):\n"
            "        for j in range(probabilities.shape[1]):\n"
            "            mask[i, j] = probabilities[i, j] >= threshold\n"
            "    return mask",
            "your function raised IndexError",
        ),
        (  # overwrites its input
            "def to_mask(probabilities, threshold=0.5):\n"
            "    mask = probabilities >= threshold\n"
            "    probabilities[:] = mask\n"
            "    return probabilities.astype(np.uint8)",
            "were overwritten",
        ),
        (
            "def to_mask(probabilities, threshold=0.5):\n    return 1 if probabilities else 0",
            "your function raised ValueError",
        ),
        (
            "def to_mask(probabilities, threshold=0.5):\n"
            "    mask = (probabilities >= threshold).astype(np.uint8)",
            "is yours missing?",
        ),
    ],
    "softmax-over-channels": [
        (
            "def softmax(scores):\n"
            "    powers = np.exp(scores)\n"
            "    return powers / powers.sum(axis=-1, keepdims=True)",
            "np.exp(1000) is infinite",
        ),
        (
            "def softmax(scores):\n"
            "    powers = np.exp(scores - scores.max())\n"
            "    return powers / powers.sum(axis=-1, keepdims=True)",
            "each pixel's own",
        ),
        (
            "def softmax(scores):\n"
            "    powers = np.exp(scores - scores.max())\n"
            "    return powers / powers.sum()",
            "sum of all pixels",
        ),
        (
            "def softmax(scores):\n"
            "    powers = np.exp(scores)\n"
            "    return powers / powers.sum(axis=0, keepdims=True)",
            "axis=-1",
        ),
        (
            "def softmax(scores):\n"
            "    powers = np.exp(scores)\n"
            "    return powers / powers.sum(axis=1, keepdims=True)",
            "axis=-1",
        ),
        (
            "def softmax(scores):\n"
            "    powers = np.exp(scores)\n"
            "    return powers / powers.sum(axis=-1)",
            "keepdims=True keeps the summed axis",
        ),
        (
            "def softmax(scores):\n"
            "    powers = np.exp(scores - scores.mean(axis=-1, keepdims=True))\n"
            "    return powers / powers.sum(axis=-1, keepdims=True)",
            "with their mean",
        ),
        (
            "def softmax(scores):\n"
            "    powers = np.exp(scores - scores[..., :1])\n"
            "    return powers / powers.sum(axis=-1, keepdims=True)",
            "the first of them",
        ),
        (
            "def softmax(scores):\n"
            "    powers = np.exp(scores - scores.min(axis=-1, keepdims=True))\n"
            "    return powers / powers.sum(axis=-1, keepdims=True)",
            "their smallest",
        ),
        (
            "def softmax(scores):\n    return np.exp(scores - scores.max(axis=-1, keepdims=True))",
            "now divide",
        ),
        ("def softmax(scores):\n    return 1 / (1 + np.exp(-scores))", "sigmoid"),
        ("def softmax(scores):\n    return np.exp(scores)", "divide them by their sum"),
        (
            "def softmax(scores):\n    return scores / scores.sum(axis=-1, keepdims=True)",
            "np.exp is missing",
        ),
        (  # a doubled answer
            "def softmax(scores):\n"
            "    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))\n"
            "    return 2 * powers / powers.sum(axis=-1, keepdims=True)",
            "divided by the sum",
        ),
    ],
    "one-hot-labels": [
        (
            "def one_hot(labels, classes):\n"
            "    classes = labels.max() + 1\n"
            "    return (labels[..., None] == np.arange(classes)).astype(np.uint8)",
            "class 3 needs its channel",
        ),
        (
            "def one_hot(labels, classes):\n"
            "    return np.stack([labels == c for c in np.unique(labels)], -1).astype(np.uint8)",
            "class 3 needs its channel",
        ),
        (
            "def one_hot(labels, classes):\n"
            "    return np.stack([labels == c for c in range(classes)]).astype(np.uint8)",
            "channels first",
        ),
        (
            "def one_hot(labels, classes):\n"
            "    return (labels[..., None] == np.arange(1, classes + 1)).astype(np.uint8)",
            "Off by one",
        ),
        (
            "def one_hot(labels, classes):\n"
            "    return (labels[..., None] != np.arange(classes)).astype(np.uint8)",
            "Swapped",
        ),
        (
            "def one_hot(labels, classes):\n    return labels[..., None] == np.arange(classes)",
            "astype(np.uint8)",
        ),
        (
            "def one_hot(labels, classes):\n    return np.eye(classes)[labels]",
            "np.eye float64",
        ),
        (
            "def one_hot(labels, classes):\n"
            "    return np.eye(classes, dtype=np.uint8)[labels.ravel()]",
            "Keep rows and columns",
        ),
        (
            "def one_hot(labels, classes):\n    return np.eye(4, dtype=np.uint8)[labels % 4]",
            "argument classes",
        ),
        (  # a doubled answer
            "def one_hot(labels, classes):\n"
            "    return (2 * (labels[..., None] == np.arange(classes))).astype(np.uint8)",
            "holds 1 where",
        ),
    ],
    "dice-by-hand": [
        (
            "def dice(truth, prediction):\n"
            "    either = (truth | prediction).sum()\n"
            "    return (truth & prediction).sum() / either if either else 1.0",
            "That is the IoU",
        ),
        (
            "def dice(truth, prediction):\n    return (truth == prediction).mean()",
            "That is the accuracy",
        ),
        (
            "def dice(truth, prediction):\n"
            "    return 2 * (truth & prediction).sum() / (truth | prediction).sum()",
            "divided by the union",
        ),
        (
            "def dice(truth, prediction):\n"
            "    return (truth & prediction).sum() / (truth.sum() + prediction.sum())",
            "the 2 in front is missing",
        ),
        (  # a doubled answer
            "def dice(truth, prediction):\n"
            "    sizes = truth.sum() + prediction.sum()\n"
            "    return 4 * (truth & prediction).sum() / sizes if sizes else 1.0",
            "Twice too much",
        ),
        (
            "def dice(truth, prediction):\n    return (truth & prediction).sum() / truth.sum()",
            "recall",
        ),
        (
            "def dice(truth, prediction):\n    return (truth & prediction).sum() / prediction.sum()",
            "precision",
        ),
        (
            "def dice(truth, prediction):\n"
            "    both = (truth * prediction).sum()\n"
            "    return (2 * both + 1) / (truth.sum() + prediction.sum() + 1)",
            "smoothing",
        ),
        (
            "def dice(truth, prediction):\n"
            "    return 2 * (truth * prediction).sum() / (truth.sum() + prediction.sum())",
            "convention",
        ),
        (
            "def dice(truth, prediction):\n"
            "    return 2 * (truth * prediction).sum() / (truth.sum() + prediction.sum() + 1e-9)",
            "convention",
        ),
        (
            "def dice(truth, prediction):\n"
            "    sizes = truth.sum() + prediction.sum()\n"
            "    return 2 * (truth * prediction).sum() / sizes if sizes else 0.0",
            "convention",
        ),
        (
            "def dice(truth, prediction):\n"
            "    if truth.sum() == 0 or prediction.sum() == 0:\n"
            "        return 1.0\n"
            "    return 2 * (truth * prediction).sum() / (truth.sum() + prediction.sum())",
            "Only when both are empty",
        ),
        (  # uint8 starts again at 0 after 255
            "def dice(truth, prediction):\n"
            "    sizes = sum(truth.ravel()) + sum(prediction.ravel())\n"
            "    return 2 * (truth * prediction).sum() / sizes if sizes else 1.0",
            "starts again at 0",
        ),
        (
            "def dice(truth, prediction):\n"
            "    sizes = sum(sum(truth)) + sum(sum(prediction))\n"
            "    return 2 * sum(sum(truth * prediction)) / sizes if sizes else 1.0",
            "starts again at 0",
        ),
    ],
    "gradient-step": [
        (
            "def gradient_step(weight, bias, x, y, rate):\n"
            "    error = sigmoid(weight * x + bias) - y\n"
            "    return weight + rate * np.mean(error * x), bias + rate * np.mean(error)",
            "Uphill",
        ),
        (
            "def gradient_step(weight, bias, x, y, rate):\n"
            "    error = y - sigmoid(weight * x + bias)\n"
            "    return weight - rate * np.mean(error * x), bias - rate * np.mean(error)",
            "Uphill",
        ),
        (
            "def gradient_step(weight, bias, x, y, rate):\n"
            "    error = sigmoid(weight * x + bias) - y\n"
            "    return weight - np.mean(error * x), bias - np.mean(error)",
            "rate is missing",
        ),
        (
            "def gradient_step(weight, bias, x, y, rate):\n"
            "    error = sigmoid(weight * x + bias) - y\n"
            "    return weight - rate * np.sum(error * x), bias - rate * np.sum(error)",
            "Take the mean",
        ),
        (
            "def gradient_step(weight, bias, x, y, rate):\n"
            "    slope = np.mean((sigmoid(weight * x + bias) - y) * x)\n"
            "    return weight - rate * slope, bias - rate * slope",
            "The bias has no x",
        ),
        (
            "def gradient_step(weight, bias, x, y, rate):\n"
            "    slope = np.mean(sigmoid(weight * x + bias) - y)\n"
            "    return weight - rate * slope, bias - rate * slope",
            "The weight's gradient has an x",
        ),
        (
            "def gradient_step(weight, bias, x, y, rate):\n"
            "    weight = weight - rate * np.mean((sigmoid(weight * x + bias) - y) * x)\n"
            "    bias = bias - rate * np.mean(sigmoid(weight * x + bias) - y)\n"
            "    return weight, bias",
            "before the bias's gradient",
        ),
        (
            "def gradient_step(weight, bias, x, y, rate):\n"
            "    error = weight * x + bias - y\n"
            "    return weight - rate * np.mean(error * x), bias - rate * np.mean(error)",
            "The sigmoid is missing",
        ),
        (
            "def gradient_step(weight, bias, x, y, rate):\n"
            "    error = sigmoid(weight * x + bias) - y\n"
            "    return np.mean(error * x), np.mean(error)",
            "the gradient itself",
        ),
        (
            "def gradient_step(weight, bias, x, y, rate):\n"
            "    error = sigmoid(weight * x + bias) - y\n"
            "    return bias - rate * np.mean(error), weight - rate * np.mean(error * x)",
            "other order",
        ),
        (
            "def gradient_step(weight, bias, x, y, rate):\n"
            "    error = sigmoid(weight * x + bias) - y\n"
            "    return weight - rate * np.mean(error * x), bias",
            "has to move too",
        ),
        (
            "def gradient_step(weight, bias, x, y, rate):\n"
            "    error = sigmoid(weight * x + bias) - y\n"
            "    return weight - rate * np.mean(error * x), bias - np.mean(error)",
            "For the bias the rate is missing",
        ),
        (
            "def gradient_step(weight, bias, x, y, rate):\n    return weight, bias",
            "Nothing moved",
        ),
        (
            "def gradient_step(weight, bias, x, y, rate):\n"
            "    error = sigmoid(weight * x + bias) - y\n"
            "    return weight - rate * error * x, bias - rate * error",
            "two numbers",
        ),
        (  # a doubled answer
            "def gradient_step(weight, bias, x, y, rate):\n"
            "    error = sigmoid(weight * x + bias) - y\n"
            "    return 2 * (weight - rate * np.mean(error * x)), 2 * (bias - rate * np.mean(error))",
            "new = old - rate * gradient",
        ),
    ],
}
