FROM scratch
COPY --link=perhaps x y
