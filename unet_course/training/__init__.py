"""Training: augmentation, batches, and a loop that can be interrupted and resumed.

Lesson 05: `augment`, `slice_batches`, `loop`. Lesson 09: `patch_batches`, `resampling`, `tf_dataset`,
and `tutorial_004_generator`, whose faults it measures. Lesson 10: `lesson_10_run`, `pooled_dice`.
"""
