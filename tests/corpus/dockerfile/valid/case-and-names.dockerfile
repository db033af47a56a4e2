arg base=busybox
from ${base} as First
run true
From first As second.stage_2-x
Copy --from=FIRST /a /b
FROM scratch
COPY --from=2 a b
onbuild run x
