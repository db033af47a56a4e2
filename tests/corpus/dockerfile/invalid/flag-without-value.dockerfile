FROM scratch
ADD --checksum a b
