"""Runs: many models on many images, resumable, on one machine or a cluster.

Read the files in this order: ``plan`` (the TOML file), ``models`` and ``pictures`` (what its entries mean), ``kinds``
(what can be done with a model: ``spectra``, ``readouts``, ``shifts``, ``noise``; the last three share ``task_options``
and ``features``), ``group`` (one model on one image set: its jobs and their content keys), ``work`` (do the jobs of a
group), ``folder`` and ``lock`` (results, failures, marks on disk), ``engine`` (Dask, here or on a cluster), ``run``
(all of it), ``status``, ``cost``, ``results``, ``task_columns`` and ``statements`` (how far it is, what it will take,
what came out, what it says of the claims about alpha).
"""
