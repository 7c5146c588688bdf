"""Cases of the metrics, computed by scikit-learn 1.9.1 (numpy 2.4.6): python make.py > scikit-learn.json"""

import json
import warnings

import numpy as np
import sklearn
from sklearn import metrics as m
from sklearn.calibration import calibration_curve

warnings.simplefilter("ignore")
random = np.random.default_rng(20240607)
cases = []


def plain(value):
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray):
        return [plain(each) for each in value.tolist()]
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, (float, np.floating)) and not np.isfinite(value):
        return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value.item() if isinstance(value, np.generic) else value


def case(metric, args, options, expected):
    cases.append({"metric": metric, "args": plain(args), "options": plain(options), "expected": plain(expected)})


def scores_of(true, predicted, average, zero, **more):
    p, r, f, _ = m.precision_recall_fscore_support(
        true, predicted, average=None if average == "none" else average, zero_division=zero, **more
    )
    return {"precision": p, "recall": r, "f1": f}


def classes(values):
    for n in (1, 7, 40):
        true = random.choice(values, n)
        predicted = np.where(random.random(n) < 0.5, true, random.choice(values, n))
        yield true, predicted


def decide(values):
    for true, predicted in classes(values):
        case("accuracy", [predicted, true], {}, m.accuracy_score(true, predicted))
        case("hamming", [predicted, true], {}, m.hamming_loss(true, predicted))
        case("meanAbsoluteError", [predicted, true], {}, m.mean_absolute_error(true, predicted))
        case("confusion", [predicted, true], {}, m.confusion_matrix(true, predicted))
        case("confusion", [predicted, true], {"labels": values}, m.confusion_matrix(true, predicted, labels=values))
        case("quadraticKappa", [predicted, true], {}, m.cohen_kappa_score(true, predicted, weights="quadratic"))
        kappa = m.cohen_kappa_score(true, predicted, weights="quadratic", labels=values)
        case("quadraticKappa", [predicted, true], {"labels": values}, kappa)
        for average in ("micro", "macro", "weighted", "none"):
            for zero in (0, 1, np.nan):
                options = {"average": average, "zeroDivision": zero}
                case("precisionRecallF1", [predicted, true], options, scores_of(true, predicted, average, zero))
                options["labels"] = values
                expected = scores_of(true, predicted, average, zero, labels=values)
                case("precisionRecallF1", [predicted, true], options, expected)


decide([0, 1, 2])
decide([-1, 0, 1])
decide([3, 5, 6, 9, 12])

for rows, width in ((1, 3), (6, 4), (20, 5)):
    true = (random.random((rows, width)) < [0.0, *[0.4] * (width - 1)]).astype(int)
    predicted = np.where(random.random(true.shape) < 0.3, 1 - true, true)
    predicted[:, -1] = 0
    case("subsetAccuracy", [predicted, true], {}, m.accuracy_score(true, predicted))
    case("hamming", [predicted, true], {}, m.hamming_loss(true, predicted))
    for average in ("micro", "macro", "weighted", "none"):
        for zero in (0, 1, np.nan):
            options = {"average": average, "zeroDivision": zero}
            case("precisionRecallF1", [predicted, true], options, scores_of(true, predicted, average, zero))
    # few distinct scores, so that there are ties
    scores = random.integers(0, 5, true.shape) / 4
    for average in ("macro", "micro", "weighted", "none"):
        own = None if average == "none" else average
        case("rocAuc", [scores, true], {"average": average}, m.roc_auc_score(true, scores, average=own))
        case("averagePrecision", [scores, true], {"average": average}, m.average_precision_score(true, scores, average=own))
        dense = true.copy()
        dense[: max(1, rows // 2), 0] = 1
        if rows > 1:
            case("rocAuc", [scores, dense], {"average": average}, m.roc_auc_score(dense, scores, average=own))
    relevance = random.integers(0, 4, true.shape) * true
    for k in (None, 1, 3):
        options = {} if k is None else {"k": k}
        case("ndcg", [scores, relevance], options, m.ndcg_score(relevance, scores, k=k))
        case("ndcg", [random.permutation(scores.ravel()).reshape(scores.shape), relevance], options, None)
        cases[-1]["expected"] = plain(m.ndcg_score(relevance, np.array(cases[-1]["args"][0]), k=k))

for n in (5, 60):
    true = (random.random(n) < 0.4).astype(int)
    true[:2] = (0, 1)
    scores = np.round(random.random(n), 1)
    case("rocAuc", [scores, true], {}, m.roc_auc_score(true, scores))
    case("averagePrecision", [scores, true], {}, m.average_precision_score(true, scores))
    case("brier", [scores, true], {}, m.brier_score_loss(true, scores))
    for bins in (4, 10, 15):
        right, confidence = calibration_curve(true, scores, n_bins=bins)
        case("calibration", [scores, true], {"bins": bins}, {"accuracy": right, "confidence": confidence})
    logits = np.float32(random.normal(size=(n, 4)) * 2)
    p = np.exp(logits.astype(float))
    p /= p.sum(1, keepdims=True)
    target = np.concatenate(([0, 1, 2, 3], random.integers(0, 4, n - 4)))
    case("brier", [p, target], {}, m.brier_score_loss(target, p, scale_by_half=False))
    case("negativeLogLikelihood", [logits, target], {}, m.log_loss(target, p))

assert sklearn.__version__ == "1.9.1"
print("[")
print(",\n".join(json.dumps(each, separators=(",", ":")) for each in cases))
print("]")
