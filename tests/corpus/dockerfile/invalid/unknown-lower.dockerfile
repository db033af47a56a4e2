frmo scratch
