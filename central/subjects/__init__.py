"""What a person may ask of the centre: to be forgotten, with proof, and to be told what is kept."""
