"""Runs: many models on many images, resumable, on one machine or a cluster.

Read the files in this order: ``plan`` (the TOML file), ``models`` and ``pictures`` (what its entries mean), ``kinds``
(what can be done with a model: ``spectra`` now), ``group`` (one model on one image set: its jobs and their content
keys), ``work`` (do the jobs of a group), ``folder`` and ``lock`` (results, failures, marks on disk), ``engine`` (Dask,
here or on a cluster), ``run`` (all of it), ``status``, ``cost`` and ``results`` (how far it is, what it will take, what
came out).
"""
