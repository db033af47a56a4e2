FROM scratch AS files
COPY --chown=1000:1000 --chmod=u=rwX,go=rX --link a b /dest/
COPY --from=0 --parents ./src/./**/*.h include/ /include/
COPY --exclude=*.o --exclude=**/tmp --link=false . .
COPY ["a file", "b", "/with blank/"]
COPY [a, b] /not-json/
COPY --chown="user:my group" x y
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.org/x.tar.gz /
ADD --keep-git-dir=true --link https://github.com/org/repo.git#v1:sub /repo
ADD --keep-git-dir=false --unpack=true --chmod=0755 https://example.org/y.tar /y
ADD --unpack local.tar /
ADD git@github.com:org/repo.git /r
ADD --exclude=docs archive.tar.xz dir/ /dst/
