"""A data directory that several machines share, in an object store.

The engine and everybody who reads work on this machine's copy of it; what is written there is put into the
store as it is, under the same name, and what others have put there is fetched before it is read. Without
such a store only `registry` is imported, and does nothing.
"""
