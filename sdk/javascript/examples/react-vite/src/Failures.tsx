import { Component, type ReactNode } from "react";

type Props = { children: ReactNode };

/** An error boundary: shows why the room is closed. Its children begin anew when the user asks for that. */
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
