"""Measure the networks on labelled data in the terms of ISO/IEC 19795-1 and 30107-3, and say no more than the data can carry."""
