FROM scratch
RUN --mount=type=cache,target=/root/.cache,id=pip,sharing=locked,mode=0700,uid=1000,gid=1000 pip install .
RUN --mount=type=bind,from=build,source=/out,target=/in,rw --mount=type=tmpfs,target=/tmp,size=64m make
RUN --mount=type=secret,id=token,env=TOKEN,required --mount=type=secret,id=npmrc,target=/root/.npmrc,mode=0400 npm ci
RUN --mount=type=ssh,id=default,required=true git clone git@example.org:a/b.git
RUN --mount=target=/context,readonly=false --mount=type=cache,dst=/c,ro,from=base,src=/seed true
RUN --mount=type=bind,target=. --network=none --security=insecure --device=vendor.com/gpu=all,required nvcc
RUN --network=host --security=sandbox --device=name=vendor.com/tpu=0,required=false true
RUN --mount="type=cache,target=/with blank" --mount='type=tmpfs,target=/t,size=1.5GiB' true
RUN --mount=type=bnd,target=/x true
RUN --mount=type=secret true
RUN -- --not-a-flag
RUN echo --neither
