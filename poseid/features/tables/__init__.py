"""Files of vectors that are streamed: npy, npz, Parquet, HDF5; and CSV to read. One module a format."""
