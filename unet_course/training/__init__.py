"""Training: batches that are made while the network learns, and a loop that survives a kill.

Lesson 05: `augment`, `slice_batches`, `loop`. Lesson 09: `patch_batches`, `resampling`,
`tf_dataset`, and `tutorial_004_generator`, which it takes apart. Lesson 10: `lesson_10_run`, which
lesson 11 judges, and `pooled_dice`. `progress_bar` shows all of it.
"""
