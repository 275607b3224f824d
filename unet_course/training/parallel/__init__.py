"""Data-parallel training: one script for every process (`worker`), and how one machine starts it (`launch`).

Lesson 14. Runs on Keras' JAX backend, which is the one that spreads a batch over several processes.
Importing this folder imports neither Keras nor JAX.
"""
