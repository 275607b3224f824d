"""How good is a prediction: metrics, distances, lesions, calibration, and how sure the result is.

Lessons 01, 03 and 06: `metrics`, `calibration`, `confidence` and the tables of longer runs in
`published_tables`. Lesson 11: `surfaces` (HD95, surface Dice) and `lesions`. `mask_checks` refuses
input that the metrics can't judge.
"""
