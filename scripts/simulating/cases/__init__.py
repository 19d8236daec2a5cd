"""Cases of every rule: what must be found, and what looks like it and must not be."""

from scripts.simulating.cases import bills, doctors, faces, goods, identity, inpatients, sites, staff
from scripts.simulating.cases.plays import PLAYS as PLAYS
from scripts.simulating.cases.plays import Play as Play

__all__ = ["PLAYS", "Play", "bills", "doctors", "faces", "goods", "identity", "inpatients", "sites", "staff"]
