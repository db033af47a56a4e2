FROM scratch build
