"""The registers that claims are compared with, as they came from outside, and joined with what this centre knows itself."""
