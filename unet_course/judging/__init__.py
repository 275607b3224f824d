"""Evaluation: overlap metrics, surface distances, lesions, calibration, confidence intervals.

Lessons 01, 03 and 06 use `metrics`, `calibration`, `confidence`, `published_tables` (longer runs),
lesson 11 `surfaces` (HD95, surface Dice), `lesions` and `pieces` (what a clean-up gives), lesson 12
`uncertainty`, lesson 13 `model_card`.
"""
