import { Component, type ReactNode } from "react";

type Props = { children: ReactNode };

/** An error boundary: says why there is no room any more. What is in it begins anew when it is asked to. */
export class Failures extends Component<Props, { error?: Error }> {
  state: { error?: Error } = {};

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <p role="alert">
        {error.message} <button onClick={() => this.setState({ error: undefined })}>Try again</button>
      </p>
    );
  }
}
